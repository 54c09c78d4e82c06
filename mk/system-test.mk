# Everything together, on real nginx, PostgreSQL and Docker. tests/suites is the list.

.PHONY: test test-system
test:
	@tests/run

# What the tests' browsers run under (tests/system/lib/browser.mjs).
$(OUT)/without-netlink: $(OUT)/obj/tests/system/without_netlink.o
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ -lseccomp

# SUITES="smoke faults" make test-system runs only these.
test-system:
	@tests/run $(SUITES)

# What takes longer: minutes of fuzzing for each parser, gigabytes through the router, two dozen starter
# apps, and the README's promises on machines that have nothing installed.
.PHONY: test-slow
test-slow:
	$(MAKE) --no-print-directory fuzz
	tests/node-test tests/slow/transfer.test.mjs
	tests/node-test tests/slow/starters.test.mjs
	tests/fresh-machine plain ci
	tests/fresh-machine systemd
