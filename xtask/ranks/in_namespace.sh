#!/usr/bin/env sh
# What ssh is to machines, for the namespaces of network.sh: in_namespace.sh ADDRESS COMMAND...
# The namespace of 10.77.0.3 is nn-3; it has a name of its own, so that MPI takes it for another machine.
space=nn-${1##*.}
shift
# shellcheck disable=SC2016 # the inner shell fills in its own arguments
exec ip netns exec "$space" unshare --uts sh -c 'hostname "$0" && eval "$1"' "$space" "$*"
