package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
)

// What every program of the codec's benchmark does, as cpp/harness.h says it.

// work converts one message.
type work func() ([]byte, error)

// cases by name: CANDIDATE/DIRECTION/SHAPE.
type cases map[string]work

var errUsage = errors.New("usage: FOLDER answer CASE | repeat TIMES CASE | time MS SAMPLES CASE")

func run(words []string, makeCases func(folder string) (cases, error)) error {
	if len(words) < 3 {
		return errUsage
	}
	all, err := makeCases(words[0])
	if err != nil {
		return err
	}
	switch verb, rest := words[1], words[2:]; {
	case verb == "answer" && len(rest) == 1:
		return answer(all, rest[0])
	case verb == "repeat" && len(rest) == 2:
		return repeatCase(all, rest[0], rest[1])
	case verb == "time" && len(rest) == 3:
		return timeCase(all, rest[0], rest[1], rest[2])
	}
	return errUsage
}

func (all cases) find(name string) (work, error) {
	if found, ok := all[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("no case %s", name)
}

func answer(all cases, name string) error {
	convert, err := all.find(name)
	if err != nil {
		return err
	}
	bytes, err := convert()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(bytes)
	return err
}

func repeatCase(all cases, times, name string) error {
	convert, err := all.find(name)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	return repeat(convert, count)
}

func timeCase(all cases, milliseconds, samples, name string) error {
	convert, err := all.find(name)
	if err != nil {
		return err
	}
	length, err := strconv.ParseFloat(milliseconds, 64)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(samples)
	if err != nil {
		return err
	}
	least, err := leastSeconds(convert, length/1e3, count)
	if err != nil {
		return err
	}
	fmt.Printf("%.2f\n", least*1e9)
	return nil
}

func repeat(convert work, times int) error {
	for range times {
		if _, err := convert(); err != nil {
			return err
		}
	}
	return nil
}

// leastSeconds is the CPU time of a message: the least of samples of about `seconds` each.
func leastSeconds(convert work, seconds float64, samples int) (float64, error) {
	times := 1
	taken, err := sample(convert, times)
	for err == nil && taken < seconds/2 {
		times *= 2
		taken, err = sample(convert, times)
	}
	if err != nil {
		return 0, err
	}
	times = max(1, int(float64(times)*seconds/taken))
	least := math.Inf(1)
	for range samples {
		taken, err := sample(convert, times)
		if err != nil {
			return 0, err
		}
		least = min(least, taken/float64(times))
	}
	return least, nil
}

func sample(convert work, times int) (float64, error) {
	begin := cpuSeconds()
	err := repeat(convert, times)
	return cpuSeconds() - begin, err
}

// cpuSeconds is of the whole process: the collector's threads, too.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func seconds(time syscall.Timeval) float64 {
	return float64(time.Sec) + float64(time.Usec)*1e-6
}
