-- Labels: what is PHI.  The labels themselves are security labels (pg_seclabel).

-- The second book of labels: pg_dump carries it as data, see phiguard.verify_labels().
CREATE TABLE phiguard.label_registry (
    relation    regclass,
    column_name name,
    domain      regtype,
    label       text NOT NULL
);
CREATE INDEX label_registry_relation_idx ON phiguard.label_registry (relation);
CREATE INDEX label_registry_domain_idx ON phiguard.label_registry (domain);
REVOKE ALL ON phiguard.label_registry FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('phiguard.label_registry', '');
COMMENT ON TABLE phiguard.label_registry IS
'Every label as it was set, for phiguard.verify_labels(). Kept by phiguard: not to be written by hand.';
COMMENT ON COLUMN phiguard.label_registry.relation IS 'Labelled table, or table of the labelled column; NULL for a domain.';
COMMENT ON COLUMN phiguard.label_registry.column_name IS 'Labelled column; NULL for the table itself and for a domain.';
COMMENT ON COLUMN phiguard.label_registry.domain IS 'Labelled domain, or NULL.';
COMMENT ON COLUMN phiguard.label_registry.label IS 'The label.';

-- The officer's role is a setting, unknown here: PUBLIC may call what checks for the officer itself.

CREATE FUNCTION phiguard.label(relation regclass, column_name name, label text) RETURNS void
AS 'MODULE_PATHNAME', 'phiguard_label' LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.label(regclass, name, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.label(regclass, name, text) TO PUBLIC;
COMMENT ON FUNCTION phiguard.label(regclass, name, text) IS
'Labels a column; with a NULL column the table itself (subject=column); a NULL label removes. For the officer, who need not own the table.
Raises 42501 for everybody else (an owner uses SECURITY LABEL), PG004 for an invalid label, 42703 for an unknown column, 42809 for what is no table.';

CREATE FUNCTION phiguard.review(relation regclass) RETURNS integer
AS 'MODULE_PATHNAME', 'phiguard_review' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION phiguard.review(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION phiguard.review(regclass) TO PUBLIC;
COMMENT ON FUNCTION phiguard.review(regclass) IS
'Labels every column that has no label of any origin "none": reviewed, not PHI. Returns how many. For the officer.
Raises 42501 for everybody else, PG004 where the subject column has no label yet.';

