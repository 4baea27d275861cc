-- What can be asked of the marts as of a day, or of one flow.
select function_name || '(' || array_to_string(parameters, ', ') || ')' as function
from duckdb_functions()
where schema_name = 'marts' and not internal
order by function
