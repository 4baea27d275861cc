-- The current publication, with its date and content.
select published_at, content_hash, code_version, as_of from meta.publication
