# Slipway's build. `make` builds the programs, `make test` tests everything, `make help` lists the rest.

BUILD   ?= build
VARIANT ?= release
CC      ?= gcc
WERROR  ?= -Werror
# make V=1 shows whole command lines
Q       := $(if $(V),,@)

PKGS := libcurl libpq jansson uuid libsodium
CSTD := -std=gnu17 -D_GNU_SOURCE
WARN := -Wall -Wextra $(WERROR) -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wundef -Wpointer-arith -Wwrite-strings -Wcast-qual -Wconversion -Wswitch-enum \
	-Wimplicit-fallthrough
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
ifeq ($(VARIANT),fuzz)
CC      := clang
OPT     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINKOPT := -fsanitize=address,undefined -pie
else ifeq ($(VARIANT),asan)
OPT     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINKOPT := -fsanitize=address,undefined -pie
else
OPT     := -O2 -g -D_FORTIFY_SOURCE=3 -Wnull-dereference
LINKOPT := -pie -Wl,-z,relro,-z,now
endif
OUT := $(BUILD)/$(VARIANT)

CFLAGS  += $(CSTD) $(WARN) $(HARDEN) $(OPT) -Ilib $(shell pkg-config --cflags $(PKGS))
LDFLAGS += $(LINKOPT)
LDLIBS  := $(shell pkg-config --libs $(PKGS)) -lpthread

lib_src      := $(wildcard lib/*.c)
api_src      := $(wildcard fcgi-app/*.c fcgi-app/*/*.c)
sandboxd_src := $(wildcard sandboxd/*.c)
router_src   := $(wildcard preview-router/*.c)
agent_src    := $(wildcard sandbox-image/agent/*.c)

obj = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

LIB := $(OUT)/libslipway.a

.PHONY: all help clean
all: $(OUT)/slipway-api $(OUT)/slipway-sandboxd $(OUT)/slipway-router $(OUT)/slipway-agent $(OUT)/slipway-logpipe

help:
	@echo "make            build the programs into $(BUILD)/release"
	@echo "make editor     build the web editor into $(BUILD)/editor"
	@echo "make test       install what tests need and run them all"
	@echo "make test-unit  unit tests under ASan and UBSan"
	@echo "make fuzz       fuzz every parser for FUZZ_SECONDS (300) each"
	@echo "make bench      measure against other designs"
	@echo "make check      house rules: includes, format, static analysis"

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP $(if $(filter fcgi-app/%,$<),-Ifcgi-app) -c $< -o $@

# The compiler does not say that it read these.
$(call obj,preview-router/assets.c): $(wildcard preview-router/page/*)

$(LIB): $(call obj,$(lib_src))
	@rm -f $@
	@echo "  AR   $@"
	$(Q)ar rcs $@ $^

$(OUT)/slipway-api: $(call obj,$(api_src)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ -lfcgi -larchive $(LDLIBS)

$(OUT)/slipway-sandboxd: $(call obj,$(sandboxd_src)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ -larchive $(LDLIBS)

$(OUT)/slipway-router: $(call obj,$(router_src)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ -levent_core $(LDLIBS)

$(OUT)/slipway-logpipe: $(call obj,services/logpipe.c)
	@echo "  LD   $@"
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

include mk/agent.mk
include mk/editor.mk
include mk/test.mk
include mk/bench.mk
include mk/check.mk
include mk/sandboxd.mk
include mk/system-test.mk

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
