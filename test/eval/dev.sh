#!/bin/bash
set -euo pipefail
. test/lib/common.sh
. test/lib/server.sh
server_init eval
server_start eval
run() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
D=/work/shared/data
. test/eval/columns.sh
run -c 'CREATE EXTENSION phiguard' -f test/eval/columns.sql
load_csvs synthea $D/synthea_small/*.csv*
load_csvs mimic $D/mimic3_demo/*.csv*
load_csvs uci $D/uci_diabetes/*.csv*
run -c 'CREATE SCHEMA omop'
sed 's/@cdmDatabaseSchema/omop/g' $D/omop_cdm/OMOPCDM_postgresql_5.4_ddl.sql | run -f - 
sed 's/@cdmDatabaseSchema/omop/g' $D/omop_cdm/OMOPCDM_postgresql_5.4_primary_keys.sql | run -f -
sed 's/@cdmDatabaseSchema/omop/g' $D/omop_cdm/OMOPCDM_postgresql_5.4_constraints.sql | run -f - || true
for s in synthea mimic uci omop; do time psql -Xq -c "SELECT phiguard.scan_schema('$s')"; done
run -F '|' -c "SELECT schema, relation, column_name, type, coalesce(s.category,'-'), s.kind, s.confidence, s.evidence FROM phiguard.data_dictionary d LEFT JOIN phiguard.suspects s USING (schema, relation, column_name) ORDER BY 1,2" >/tmp/wA-out.txt || true
cp /tmp/wA-out.txt $PHIG_OUT/scan.txt
server_stop eval
