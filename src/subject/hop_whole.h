/*
 * hop_whole.h
 *		All rows between references and persons: where looking them up one by one would take longer.
 */
#ifndef PHIG_SUBJECT_HOP_WHOLE_H
#define PHIG_SUBJECT_HOP_WHOLE_H

#include "postgres.h"

#include "utils/relcache.h"

#include "subject/path.h"

typedef struct PhigHopWhole PhigHopWhole;

/*
 * phig_hop_whole_read
 *		The persons of a table by its keys, both of them integers, as the active snapshot shows them.
 *
 * NULL: that takes more memory than the server allows to a hash table (work_mem, hash_mem_multiplier).
 * Memory: in the current context.
 */
extern PhigHopWhole *phig_hop_whole_read(Relation relation, const PhigSubjectHop *hop);

/* False: there is no such row. */
extern bool phig_hop_whole_find(const PhigHopWhole *whole, int64 key, int64 *person, bool *isnull);

#endif
