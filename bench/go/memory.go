package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// status returns a field of /proc/self/status, in bytes.
func status(field string) float64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == field+":" {
			kib, _ := strconv.ParseFloat(words[1], 64)
			return kib * 1024
		}
	}
	panic("no " + field + " in /proc/self/status")
}

// held is what the process costs the machine now: its pages and the tables that map them.
func held() float64 { return status("VmRSS") + status("VmPTE") }

// peak is the most pages that it ever held.
func peak() float64 { return status("VmHWM") }
