# Rules for the native tests of a handler in C; a project's Makefile includes this. SDK is this folder.
#
#   make test     compiles the handler and its tests (*_test.c) with the system's compiler, and runs them
#   make clean

CC ?= cc
OSTLER_FLAGS = -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -g -I$(SDK)/include -I$(SDK)/src -I$(SDK)/bindings -I$(SDK)/testing -I.
OSTLER_SOURCES = $(wildcard $(SDK)/src/*.c) $(wildcard $(SDK)/testing/*.c)
SOURCES ?= $(wildcard *.c) $(wildcard src/*.c)

.PHONY: test clean
test: target/test
	./target/test

target/test: $(SOURCES) $(OSTLER_SOURCES) $(wildcard *.h src/*.h $(SDK)/*/*.h) Makefile
	@mkdir -p target
	$(CC) $(OSTLER_FLAGS) $(CPPFLAGS) $(CFLAGS) -o $@ $(SOURCES) $(OSTLER_SOURCES) -lm

clean:
	rm -rf target
