// The Go peer: protojson with generated messages.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"parley.bench/peers/lab"
)

var shapes = map[string]proto.Message{
	"user":     (*lab.ListUsersResponse)(nil),
	"users100": (*lab.ListUsersResponse)(nil),
	"deep":     (*lab.Node)(nil),
	"numbers":  (*lab.Numbers)(nil),
	"text":     (*lab.Text)(nil),
}

func main() {
	if err := run(os.Args[1:], makeCases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func makeCases(folder string) (cases, error) {
	all := cases{}
	for name, message := range shapes {
		text, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			return nil, err
		}
		wire, err := os.ReadFile(filepath.Join(folder, name+".bin"))
		if err != nil {
			return nil, err
		}
		all["protojson/json-to-wire/"+name] = func() ([]byte, error) {
			return toWire(message, text)
		}
		all["protojson/wire-to-json/"+name] = func() ([]byte, error) {
			return toJSON(message, wire)
		}
	}
	return all, nil
}

// `kind` is a message of the type; only its type counts.
func toWire(kind proto.Message, text []byte) ([]byte, error) {
	message := kind.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(text, message); err != nil {
		return nil, err
	}
	return proto.Marshal(message)
}

func toJSON(kind proto.Message, wire []byte) ([]byte, error) {
	message := kind.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(wire, message); err != nil {
		return nil, err
	}
	return protojson.Marshal(message)
}
