{#
title = "Codes"
unit = "The meaning of the codes in coded columns."
basis = "lists that ship with the warehouse"
#}
-- The meaning of the codes in the marts.
select column_name, code, meaning from seeds.coded_values order by column_name, code, meaning
