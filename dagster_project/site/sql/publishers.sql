-- The publisher of each source.
select source_id, publisher from marts.sources order by source_rank, source_id
