-- Rows that were added up anew are deleted before insert_new puts them back. By
-- row number: keys would be compared with every row.
delete from silver.TraderToken
where rowid in (select row_id from pair_gone);
