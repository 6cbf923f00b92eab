# columns.sh: schemas of known systems, loaded without any label, for eval/run and tests.  Sourced; needs run() and PSQL's environment.

# load_csv SCHEMA TABLE FILE: a table with the columns of the header, of the types that all values have.
load_csv()
{
	local schema=$1 table=$2 file=$3 header

	header=$(open_file "$file" | sed -n 1p | tr -d '\r"\357\273\277' | tr '[:upper:]' '[:lower:]')
	run -c "CREATE TABLE $schema.$table ($(sed 's/[^,]*/"&" text/g' <<<"$header"))"
	open_file "$file" | run -c "COPY $schema.$table FROM STDIN (FORMAT csv, HEADER)"
	run -c "SELECT give_types('$schema.$table')" >/dev/null
}

open_file()
{
	case $1 in
		*.gz) gzip -dc "$1" ;;
		*) cat "$1" ;;
	esac
}

# load_csvs SCHEMA FILE...: tables named as the files are.
load_csvs()
{
	local schema=$1 file name

	shift
	run -c "CREATE SCHEMA IF NOT EXISTS $schema"
	for file in "$@"; do
		name=$(basename "$file" .gz)
		load_csv "$schema" "$(tr '[:upper:]' '[:lower:]' <<<"${name%.csv}")" "$file"
	done
}
