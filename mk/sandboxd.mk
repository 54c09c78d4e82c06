# The contract test of driver.h, run by tests/system/driver.test.mjs.

$(OUT)/obj/tests/system/%.o: CFLAGS += -Isandboxd
$(OUT)/driver-contract: $(OUT)/obj/tests/system/driver_contract.o $(sandboxd_objs) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ -lcmocka -larchive $(LDLIBS)
