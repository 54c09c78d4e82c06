# slipway-agent: one static program, because it is PID 1 in an image it knows nothing about.
# libjansson.a, libevent_core.a and libnettle.a come with Debian's -dev packages.

AGENT_LIBS := -levent_core -lnettle -ljansson

$(OUT)/slipway-agent: $(call obj,$(agent_src)) $(LIB)
	@echo "  LD   $@"
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS)) $(if $(filter asan,$(VARIANT)),,-static-pie) $^ -o $@ $(AGENT_LIBS)
