# Unit tests and fuzz targets. tests/unit/test_<program>_*.c is one cmocka program each, linked with
# the program's objects as an archive (a test that includes a .c to reach its statics wins over the
# archive's copy), under ASan and UBSan. tests/fuzz/fuzz_<program>_*.c are libFuzzer targets.

.PHONY: test-unit unit-programs test-fuzz fuzz fuzz-programs

# name prefix of a test or fuzz target -> objects it may use
api_objs      := $(filter-out %/fcgi-app/main.o,$(call obj,$(api_src)))
sandboxd_objs := $(filter-out %/sandboxd/main.o,$(call obj,$(sandboxd_src)))
router_objs   := $(filter-out %/preview-router/main.o,$(call obj,$(router_src)))
agent_objs    := $(filter-out %/agent/main.o,$(call obj,$(agent_src)))

$(OUT)/unit/libapi.a: $(api_objs)
$(OUT)/unit/libsandboxd.a: $(sandboxd_objs)
$(OUT)/unit/librouter.a: $(router_objs)
$(OUT)/unit/libagent.a: $(agent_objs)
$(OUT)/unit/lib%.a:
	@mkdir -p $(@D); rm -f $@
	@ar rcs $@ $^

TEST_LIBS_lib      := -larchive
TEST_LIBS_api      := -lfcgi -larchive
TEST_LIBS_sandboxd := -larchive
TEST_LIBS_router   := -levent_core
TEST_LIBS_agent    := -levent_core -lnettle -ljansson

# A test's program is the word after test_ or fuzz_; any other word is a part of the API (model, …), and
# "lib" needs no archive but the library itself.
word_of    = $(word 2,$(subst _, ,$(notdir $(1))))
program_of = $(or $(filter lib sandboxd router agent,$(call word_of,$(1))),api)
archive_of = $(if $(filter-out lib,$(call program_of,$(1))),$(OUT)/unit/lib$(call program_of,$(1)).a)

unit_src := $(wildcard tests/unit/test_*.c)
unit_bin := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(unit_src))
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_bin := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(fuzz_src))

.PRECIOUS: $(OUT)/obj/%.o
.SECONDEXPANSION:
$(OUT)/unit/test_%: $(OUT)/obj/tests/unit/test_%.o $$(call archive_of,test_%) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS_$(call program_of,$@)) -lcmocka $(LDLIBS)

$(OUT)/obj/tests/unit/%.o: CFLAGS += -Itests/unit -I. -Ifcgi-app -Isandbox-image/agent -Isandboxd -Ipreview-router

unit-programs: $(unit_bin)

UNIT_TIMEOUT_S ?= 120
test-unit:
	$(Q)$(MAKE) --no-print-directory VARIANT=asan unit-programs
	CMOCKA_MESSAGE_OUTPUT=TAP prove --timer --exec 'timeout -k 5 $(UNIT_TIMEOUT_S)' \
		$(patsubst $(OUT)/%,$(BUILD)/asan/%,$(sort $(unit_bin)))

# Fuzz targets are built by clang with libFuzzer, ASan and UBSan.
$(OUT)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $$(call archive_of,fuzz_%) $(LIB)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) -I. -Ifcgi-app -Isandbox-image/agent -Isandboxd -Ipreview-router -fsanitize=fuzzer $(LDFLAGS) \
		$^ -o $@ $(TEST_LIBS_$(call program_of,$@)) $(LDLIBS)

fuzz-programs: $(fuzz_bin)

FUZZ_SECONDS ?= 300
test-fuzz:
	$(Q)scripts/fuzz 3

fuzz:
	$(Q)scripts/fuzz $(FUZZ_SECONDS)
