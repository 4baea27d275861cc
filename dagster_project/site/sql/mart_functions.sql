{#
id = "functions"
title = "Functions"
unit = "The marts as known on a date, and one flow of world trade."
basis = "functions stored beside the marts"
#}
-- Functions of the marts as known on a date, or of one flow.
select function_name || '(' || array_to_string(parameters, ', ') || ')' as function
from duckdb_functions()
where schema_name = 'marts' and not internal
order by function
