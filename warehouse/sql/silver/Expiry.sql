-- One row per act of retention: all days of a dataset before a day, let go from
-- bronze and so from here. Key: dataset, expiry_no. Reads the notes that
-- `warehouse retention --apply` leaves in the lake.
-- Columns:
-- expiry_no: counts a dataset's acts of retention, from 1
-- expired_before: what was of before this day went, UTC
-- days_expired: days with rows that went
-- files_expired: bronze files that went
-- rows_expired: bronze rows that went
-- bytes_expired: bytes of these files
-- expired_at: when it was done

-- step: define
create table if not exists silver.Expiry (
    dataset varchar not null,
    expiry_no integer not null,
    expired_before timestamp not null,
    days_expired bigint not null,
    files_expired bigint not null,
    rows_expired bigint not null,
    bytes_expired bigint not null,
    expired_at timestamp not null
);

-- step: take_in
insert into silver.Expiry
select expiry_note.*
from expiry_note
anti join silver.Expiry using (dataset, expiry_no);
