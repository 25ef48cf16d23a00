#!/usr/bin/env bash
# Ranks in network namespaces of this machine, which a bridge joins over links of a given rate: what several machines
# on a switch are to each other, but for their processors. As root, on Linux, with iproute2:
#
#   xtask/ranks/network.sh 1gbit cargo xtask ranks --ranks 4 --batch 64
#
# runs that command with MPIRUN set to what starts ranks there. The rate holds for each link and each direction (tbf).
# Set DELAY, as DELAY=100us, for a delay by netem where the kernel has it.
set -euo pipefail
rate=${1:?the rate of the links, as 1gbit, and a command}
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
count=4
bridge=nn-bridge

clean() {
    for number in $(seq "$count"); do ip netns del "nn-$number" 2>/dev/null || true; done
    ip link del "$bridge" 2>/dev/null || true
}
trap clean EXIT
clean

shape() { tc "$@" root handle 1: tbf rate "$rate" burst 256kb latency 100ms; }

ip link add "$bridge" type bridge
ip addr add 10.77.0.254/24 dev "$bridge"
ip link set "$bridge" up
hosts=
for number in $(seq "$count"); do
    space=nn-$number
    ip netns add "$space"
    ip link add "nn-port-$number" type veth peer name eth0 netns "$space"
    ip link set "nn-port-$number" master "$bridge" up
    ip -n "$space" addr add "10.77.0.$number/24" dev eth0
    ip -n "$space" link set eth0 up
    ip -n "$space" link set lo up
    # Both directions: what a port of the bridge sends is what the namespace receives.
    shape qdisc add dev "nn-port-$number"
    shape -n "$space" qdisc add dev eth0
    if [ -n "${DELAY:-}" ]; then
        tc -n "$space" qdisc add dev eth0 parent 1: handle 2: netem delay "$DELAY"
    fi
    hosts+=${hosts:+,}10.77.0.$number:1
done

# Over TCP alone: the namespaces share memory, which machines do not.
export MPIRUN="mpirun --host $hosts --bind-to none --mca plm_rsh_agent $here/in_namespace.sh --mca pml ob1
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24"
"$@"
