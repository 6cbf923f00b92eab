/*
 * zz_stub.c
 *		Goes away with the commit that brings src/label/follow.c.
 */
#include "postgres.h"

#include "label/label.h"

PhigFollow *
phig_follow_before(Node *utilityStmt)
{
	return NULL;
}

void
phig_follow_after(PhigFollow *follow)
{
}

void
phig_label_object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
}
