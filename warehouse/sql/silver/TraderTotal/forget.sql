-- All of it is added up anew.
delete from silver.TraderTotal;
