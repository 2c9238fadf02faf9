# The front door. Everything real is in meson.build and tools/; `make` alone says what there is.
export CC      ?= cc

.DEFAULT_GOAL := help
.PHONY: help deps build demo check clean format format-check \
        check-clang check-asan check-tsan

help:           ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*##\(.*\)/make \1\t\2/p' Makefile | expand -t 22

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

clean:          ## remove every build folder
	@rm -rf build build-*

format:         ## put every source into the project's format
	@tools/deps test
	@tools/format

format-check:   ## fail if a source is not in the project's format
	@tools/deps test
	@tools/format --check

check-clang:    ## build and test with clang
	@tools/deps build test
	@tools/variant clang test

check-asan:     ## test under the address and undefined-behaviour sanitizers
	@tools/deps build test
	@tools/variant asan test

check-tsan:     ## test under the thread sanitizer
	@tools/deps build test
	@tools/variant tsan test
