{#- A statement that is true of every row (of those `among`); null counts as untrue. -#}
{% test always_holds(model, that, among="true") %}

    select * from {{ model }} where ({{ among }}) and not coalesce({{ that }}, false)

{% endtest %}
