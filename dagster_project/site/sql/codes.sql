-- What the codes of the marts mean.
select column_name, code, meaning from seeds.coded_values order by column_name, code, meaning
