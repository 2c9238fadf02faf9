// bench-go JOB [COUNT] runs one benchmark job, the twin of the C program's job of the same name, and prints
// its figures, a line each: "NAME VALUE". bench/jobs.tsv gives the counts and the units; GOMAXPROCS the
// procs.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"time"
)

// jobs maps a job's name to what runs and prints it. Each file adds its own.
var jobs = map[string]func(count int){}

func main() {
	if len(os.Args) < 2 || jobs[os.Args[1]] == nil {
		usage()
	}
	count := 0
	if len(os.Args) > 2 {
		n, err := strconv.Atoi(os.Args[2])
		if err != nil || n < 1 {
			usage()
		}
		count = n
	}
	jobs[os.Args[1]](count)
}

func usage() {
	names := make([]string, 0, len(jobs))
	for name := range jobs {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintln(os.Stderr, "usage: bench-go JOB [COUNT]; jobs:", names)
	os.Exit(2)
}

func procs() int { return runtime.GOMAXPROCS(0) }

func report(name string, value float64) { fmt.Printf("%s %.6g\n", name, value) }

// timed adds a job whose figure is the wall time of an operation in nanoseconds: a tenth of the count to warm
// up, then the whole. work does the number of operations that it is given, or a few less where they do not
// divide.
func timed(name string, work func(count int)) {
	jobs[name] = func(count int) {
		work(count/10 + 1)
		start := time.Now()
		work(count)
		report(name, float64(time.Since(start).Nanoseconds())/float64(count))
	}
}

// mean is for work that is a whole of its own: once to warm up, then the mean wall time of some times, in
// nanoseconds.
func mean(times, count int, work func(count int)) float64 {
	work(count)
	start := time.Now()
	for i := 0; i < times; i++ {
		work(count)
	}
	return float64(time.Since(start).Nanoseconds()) / float64(times)
}
