# Unit tests: tests/unit/test_*.c, one cmocka program each, linked with the objects of the programs
# they test (without main.o), under ASan and UBSan.

.PHONY: test test-unit
test-unit:
	$(MAKE) VARIANT=asan unit-programs
	prove --exec '' $(BUILD)/asan/unit/

unit_src := $(wildcard tests/unit/test_*.c)
unit-programs: $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(unit_src))
