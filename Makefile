# The front door. Everything real is in meson.build and tools/; `make` alone says what there is.
export PREFIX  ?= /usr/local
export DESTDIR ?=
export CC      ?= cc

.DEFAULT_GOAL := help
.DEFAULT:
	@echo "make: there is no '$@' to make; 'make help' lists what there is" >&2; exit 2

.PHONY: help deps build demo check bench bench-json install clean format format-check tidy \
        check-clang check-asan check-tsan check-aarch64 models soak fuzz corpus corpus-clang guard

help:           ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):[^#]*##\(.*\)/make \1\t\2/p' Makefile | expand -t 22

deps:           ## install what building, testing and the demo need (Debian packages)
	@tools/deps build test demo

build:          ## build the library, the tool and the examples into build/
	@tools/deps build
	@tools/variant build

demo:           ## the leaking server caught in the act: start here
	@tools/deps build demo
	@tools/demo

check:          ## build and run every test
	@tools/deps build test
	@tools/check

bench:          ## measure against Go, as a table
	@tools/deps build bench
	@bench/run.sh

bench-json:     ## the same as JSON lines
	@tools/deps build bench >&2
	@bench/run.sh --json

install:        ## install below PREFIX (/usr/local), staged in DESTDIR if set
	@tools/deps build
	@tools/install

clean:          ## remove every build folder
	@rm -rf build build-*

format:         ## put every source into the project's format, the headers' comments into docs/reference.md
	@tools/deps test
	@tools/format
	@tools/reference

format-check:   ## fail if a source is not in the project's format
	@tools/deps test
	@tools/format --check

tidy:           ## clang-tidy and gcc -fanalyzer
	@tools/deps build test
	@tools/tidy

check-clang:    ## build and test with clang
	@tools/deps build test
	@tools/variant clang test

check-asan:     ## test under the address and undefined-behaviour sanitizers
	@tools/deps build test
	@tools/variant asan test

check-tsan:     ## test under the thread sanitizer
	@tools/deps build test
	@tools/variant tsan test

check-aarch64:  ## cross-build for aarch64 and test under qemu-user
	@tools/deps build test aarch64
	@tools/variant aarch64 test

models:         ## check the models of the scheduler's protocols with spin
	@tools/deps build models
	@tools/models

guard:          ## instructions per operation of the hot paths against those kept in bench/guard.txt
	@tools/deps build guard
	@tools/guard

corpus:         ## every leak of tests/leaks is proven, over compilers and levels
	@tools/deps build test
	@tools/variant build
	@tools/corpus

corpus-clang:   ## the same with the library that clang builds, fewer runs
	@tools/deps build test
	@tools/variant clang
	@CORPUS_LEVELS="0 2" CORPUS_RUNS=1 tools/corpus --folder build-clang

soak:           ## repeat the stress tests for SOAK_SECONDS (300)
	@tools/deps build test
	@tools/soak

fuzz:           ## fuzz each parser for FUZZ_SECONDS (60)
	@tools/deps build fuzz
	@tools/fuzz
