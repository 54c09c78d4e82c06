# Everything together, on real nginx, PostgreSQL and Docker. tests/suites is the list.

.PHONY: test test-system
test:
	@tests/run

# SUITES="smoke faults" make test-system runs only these.
test-system:
	@tests/run $(SUITES)
