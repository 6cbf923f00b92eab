# phiguard: one command per job.  Does not include PGXS on purpose: PGXS brings
# a "check" of its own that exits 0 without testing anything.  src/pgxs.mk does
# the building, in build/<version>-<compiler>/, so that one checkout serves
# several servers and compilers.
#
#   make, make install, make clean     build, install, remove what was built
#   make demo                          a tour on real data
#   make check                         every test, on this machine's PostgreSQL
#   make check-all                     the same on every supported version
#   make check-assert                  the same on a server built with assertions
#   make build-all                     only build on every supported version
#   make check-long, make fuzz         campaigns that take longer
#   make check-style, check-sanitize   two parts of make check by themselves
#   make bench                         what phiguard costs
#   make eval                          how well detection finds (PHIGUARD_EVAL_DATA: more annotated sets)
#   make format                        lay out the C files (FILES="..." only these)
#
#   PG_CONFIG=...   the server to build for
#   CC=clang        another compiler
#   WERROR=1        warnings are errors (always so where CI=true)

# Directories that make enters are no news.
MAKEFLAGS += --no-print-directory

PG_CONFIG ?= pg_config
ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(CI),true)
WERROR ?= 1
endif
ifneq ($(filter-out 0,$(WERROR)),)
STRICT = -strict
endif

pg_version = $(word 2,$(shell $(PG_CONFIG) --version))$(if \
	$(findstring enable-cassert,$(shell $(PG_CONFIG) --configure)),-assert)
BUILD = build/$(or $(pg_version),unknown)-$(notdir $(CC))$(STRICT)

# LLVM bitcode would want clang beside every server package: never built.
pgxs = +@mkdir -p $(BUILD) && $(MAKE) -C $(BUILD) -f $(CURDIR)/src/pgxs.mk \
	VPATH=$(CURDIR) PG_CONFIG=$(PG_CONFIG) CC="$(CC)" WERROR="$(STRICT)" with_llvm=no

all: pg-config-found
	$(pgxs) all

install: pg-config-found
	$(pgxs) install

uninstall: pg-config-found
	$(pgxs) uninstall

# Scripts do the work; they call back here to build.
export PG_CONFIG CC WERROR TESTS TAP

check:
	@+test/run-check.sh

check-all:
	@+test/run-matrix.sh

check-assert:
	@+PHIGUARD_VERSIONS=18-assert test/run-matrix.sh

build-all:
	@+test/run-matrix.sh --build

check-long:
	@+test/run-long.sh

check-style:
	@test/check-style.sh

check-sanitize:
	@test/run-fuzz.sh

fuzz:
	@FUZZ_RUNS=$(or $(FUZZ_RUNS),2000000) test/run-fuzz.sh

# The page that it writes comes back out of the sandbox.
eval: export PHIG_UPDATE_DOCS = 1
demo bench eval:
	@+test/run-in-sandbox.sh $(firstword $(wildcard test/$@/run test/$@/run.sh) test/$@/run)

format:
	@test/format.sh $(FILES)

clean:
	rm -rf build

pg-config-found:
	@command -v $(PG_CONFIG) >/dev/null || { \
	  echo "make: no $(PG_CONFIG) here: install postgresql-server-dev-NN, or give PG_CONFIG=/path/to/pg_config" >&2; exit 1; }

.PHONY: all install uninstall clean pg-config-found check check-all check-assert build-all check-long check-style check-sanitize \
	fuzz demo bench eval format
