-- What loads tables without any label, for columns.sh.
CREATE FUNCTION give_types(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    col name;
    new_type text;
BEGIN
    FOR col IN SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 LOOP
        EXECUTE format($q$UPDATE %s SET %2$I = NULL WHERE %2$I = ''$q$, relation, col);
        EXECUTE format($q$
            SELECT CASE WHEN count(%1$I) = 0 THEN NULL
                        WHEN bool_and(%1$I ~ '^\d{4}-\d\d-\d\d$') THEN 'date'
                        WHEN bool_and(%1$I ~ '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?$') THEN 'timestamp'
                        WHEN bool_and(%1$I ~ '^(0|-?[1-9]\d{0,17})$') THEN 'bigint'
                        WHEN bool_and(%1$I ~ '^-?\d+(\.\d+)?([eE]-?\d+)?$') AND bool_or(%1$I ~ '\.') THEN 'numeric'
                        WHEN bool_and(%1$I ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') THEN 'uuid' END
              FROM %2$s$q$, col, relation) INTO new_type;
        IF new_type IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ALTER %I TYPE %s USING %2$I::%3$s', relation, col, new_type);
        END IF;
    END LOOP;
END $$;
