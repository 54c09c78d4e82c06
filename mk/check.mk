# House rules: form, includes, static analysis, generated documents.

.PHONY: check check-format check-includes check-docs check-analysis docs

own_c := $(wildcard lib/*.[ch] fcgi-app/*.[ch] fcgi-app/*/*.[ch] sandboxd/*.[ch] preview-router/*.[ch] sandbox-image/agent/*.[ch] services/*.c \
	tests/unit/*.[ch] tests/fuzz/*.c tests/system/*.c)

check: check-format check-includes check-docs check-analysis

check-format:
	@echo "  FORMAT C"
	$(Q)clang-format --dry-run --Werror $(own_c)

check-includes:
	scripts/check-includes

docs: $(OUT)/slipway-api
	$(OUT)/slipway-api --config-doc >docs/CONFIG.md

check-docs: $(OUT)/slipway-api
	$(OUT)/slipway-api --config-doc | diff -u docs/CONFIG.md -

# What the compilers do not say. Suppressed is what cppcheck 2.10 cannot see: the cleanup attribute
# (memleak; ASan looks instead), sys/queue.h's macros and outputs behind pointers (uninitvar).
check-analysis:
	cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 --inline-suppr \
		--suppress=memleak --suppress=uninitvar --suppress=nullPointerRedundantCheck -D_GNU_SOURCE -Ilib -Ifcgi-app \
		-j 2 lib fcgi-app sandboxd preview-router sandbox-image/agent services
