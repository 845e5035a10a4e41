-- What is added up anew goes first: insert_new puts it back. A row's number
-- finds it where its keys would be looked for in every row.
delete from silver.TraderToken
where rowid in (select row_id from pair_gone);
