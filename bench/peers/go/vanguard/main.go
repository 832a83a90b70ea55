// vanguard-go in front of a reverse proxy to a gRPC upstream (HTTP/2, cleartext).
// usage: vanguard LISTEN UPSTREAM
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"connectrpc.com/vanguard"

	shopv1 "parley.bench/peers/gen/shop/v1"
)

func main() {
	listen, upstream := os.Args[1], os.Args[2]
	service := vanguard.NewService(shopv1.UserService_ServiceDesc.ServiceName, reverseProxy(upstream),
		vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
		vanguard.WithTargetCodecs(vanguard.CodecProto))
	handler, err := vanguard.NewTranscoder([]*vanguard.Service{service})
	if err != nil {
		log.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: listen, Handler: handler, Protocols: protocols}
	log.Fatal(server.ListenAndServe())
}

func reverseProxy(upstream string) http.Handler {
	transport := &http.Transport{Protocols: new(http.Protocols), MaxIdleConnsPerHost: 64}
	transport.Protocols.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream})
	proxy.Transport = transport
	proxy.FlushInterval = -1
	return proxy
}
