# The superuser of a test's servers is postgres, whoever runs the test (see sandbox.sh).
#
# PostgreSQL::Test::Utils takes PGUSER away when it is compiled; INIT comes after that.
package PhigUser;

use strict;
use warnings;

INIT { $ENV{PGUSER} = 'postgres'; }

1;
