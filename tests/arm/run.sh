#!/bin/bash
# Runs the engine's tests in an emulated ARM processor with byte dot products, and asks one without which kernel sets it
# runs. usage: run.sh FOLDER-OF-PROGRAMS
set -u
cd "$(dirname "$0")/../.."
bad=0
expect() {
	local sets
	sets=$(qemu-aarch64 -cpu "$1" "$programs/list_kernels")
	[ "$sets" = "$2" ] || { echo "$1 runs '$sets', not '$2'"; bad=1; }
}
programs=$1
expect cortex-a53 "neon reference"
expect cortex-a76 "neon_dot neon reference"
export QEMU_CPU=cortex-a76 BORA_TEST_MODELS=/nonexistent # real models take minutes here
for test in test_kernels test_forward; do
	printf '#!/bin/sh\nexec qemu-aarch64 "$(dirname "$0")/%s"\n' $test >"$programs/run_$test"
	chmod +x "$programs/run_$test"
done
tests/run.sh "$programs/run_test_kernels" "$programs/run_test_forward" || bad=1
exit $bad
