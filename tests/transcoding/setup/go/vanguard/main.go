// vanguard-go in front of a reverse proxy to a gRPC upstream (HTTP/2, cleartext), with the options
// that serve the suite best. usage: vanguard LISTEN UPSTREAM
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"connectrpc.com/vanguard"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"

	transcodingv1 "parley.bench/peers/gen/transcoding/v1"
)

func main() {
	listen, upstream := os.Args[1], os.Args[2]
	proxy := reverseProxy(upstream)
	var services []*vanguard.Service
	for _, name := range []string{
		transcodingv1.Paths_ServiceDesc.ServiceName,
		transcodingv1.Bodies_ServiceDesc.ServiceName,
		transcodingv1.Patches_ServiceDesc.ServiceName,
		transcodingv1.Answers_ServiceDesc.ServiceName,
		transcodingv1.Streams_ServiceDesc.ServiceName,
	} {
		services = append(services, vanguard.NewService(name, proxy,
			vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
			vanguard.WithTargetCodecs(vanguard.CodecProto)))
	}
	handler, err := vanguard.NewTranscoder(services, vanguard.WithCodec(strict))
	if err != nil {
		log.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: listen, Handler: handler, Protocols: protocols}
	log.Fatal(server.ListenAndServe())
}

// strict refuses unknown fields, as the ProtoJSON specification has it.
func strict(resolver vanguard.TypeResolver) vanguard.Codec {
	return &vanguard.JSONCodec{
		MarshalOptions:   protojson.MarshalOptions{Resolver: resolver},
		UnmarshalOptions: protojson.UnmarshalOptions{Resolver: resolver, DiscardUnknown: false},
	}
}

func reverseProxy(upstream string) http.Handler {
	transport := &http.Transport{Protocols: new(http.Protocols), MaxIdleConnsPerHost: 64}
	transport.Protocols.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream})
	proxy.Transport = transport
	proxy.FlushInterval = -1
	return proxy
}
