-- What is published, made when and from what.
select published_at, content_hash, code_version, as_of
from meta.publication
