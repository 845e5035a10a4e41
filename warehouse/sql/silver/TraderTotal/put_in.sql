-- Into a table that has none of these wallets.
insert into silver.TraderTotal by name
select * from total_part
order by trader_key;
