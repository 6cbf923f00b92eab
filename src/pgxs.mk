# The building, through PGXS.  Called by the top Makefile from inside the build
# directory, with VPATH naming the checkout: objects, library and install script
# are written there, nothing into the checkout.

MODULE_big = phiguard
EXTENSION = phiguard
DATA_built = phiguard--1.0.sql phiguard.dict

sources := $(sort $(wildcard $(VPATH)/src/*.c $(VPATH)/src/*/*.c))
sql_parts := $(sort $(wildcard $(VPATH)/sql/*.sql))
OBJS = $(patsubst $(VPATH)/%.c,%.o,$(sources))

# PostgreSQL's macros force the exceptions: hook signatures, initializers, and PG_TRY, around which
# gcc suspects variables that never change after it.
PG_CPPFLAGS = -I$(VPATH)/src
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -Wno-clobbered -MMD -MP
ifneq ($(WERROR),)
PG_CFLAGS += -Werror
endif
# The server was built by gcc: clang is to overlook its flags, and to know its format attribute.
ifneq ($(findstring clang,$(CC)),)
PG_CFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-unused-command-line-argument
PG_CPPFLAGS += -Dgnu_printf=printf
endif
# Nobody replaces our functions by others of the same name: calls between them need no detour.
PG_CFLAGS += -fno-semantic-interposition
SHLIB_LINK = -lcrypto -lpcre2-8 -Wl,-Bsymbolic

# The program that needs no server shares the files that include none of its headers.
verify_objs = bin/phiguard-verify.o $(addprefix src/journal/,crc32c.o parse.o chain.o checkpoint.o verify.o verify_node.o)
EXTRA_CLEAN = phiguard-verify bin

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# One directory per module (made here: as a target, VPATH would find the checkout's).
$(shell mkdir -p $(sort $(dir $(OBJS) $(verify_objs))))

# A stamp changes only when its content does: a deleted source relinks, a new flag recompiles.
define keep_stamp
@echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
endef
flags.stamp: FORCE
	$(call keep_stamp,$(CC) $(CFLAGS) $(CPPFLAGS) $(VERSION))
$(OBJS) bin/phiguard-verify.o: flags.stamp
objects.stamp: FORCE
	$(call keep_stamp,$(OBJS))
parts.stamp: FORCE
	$(call keep_stamp,$(sql_parts))
$(shlib): objects.stamp
.PHONY: FORCE

phiguard--1.0.sql: $(sql_parts) parts.stamp
	cat $(sql_parts) > $@.new && mv $@.new $@

dictionary_lists := $(wildcard $(VPATH)/src/detect/dictionary/*.txt $(VPATH)/src/detect/dictionary/*.txt.gz)
phiguard.dict: $(VPATH)/src/detect/dictionary.pl $(dictionary_lists)
	perl $(VPATH)/src/detect/dictionary.pl $(VPATH)/src/detect/dictionary $@.new && mv $@.new $@

all: phiguard-verify
phiguard-verify: $(verify_objs)
	$(CC) $(CFLAGS) $(verify_objs) -o $@ -L$(pkglibdir) -L$(libdir) -lpgcommon -lpgport -lcrypto -lm

install: install-verify
install-verify: phiguard-verify
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) phiguard-verify '$(DESTDIR)$(bindir)/phiguard-verify'

uninstall: uninstall-verify
uninstall-verify:
	rm -f '$(DESTDIR)$(bindir)/phiguard-verify'

-include $(OBJS:.o=.d) bin/phiguard-verify.d
