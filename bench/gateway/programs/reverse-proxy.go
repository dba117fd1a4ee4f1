// A gateway on Go's standard library: key check, a queue, slots, least loaded, ReverseProxy. What
// Knative's activator and KEDA's interceptor do for each request, without their records and traces.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type server struct {
	target  *url.URL
	running int
}

// pool holds the servers of one route. A slot that comes back goes to the request that waits longest.
type pool struct {
	mutex   sync.Mutex
	servers []*server
	slots   int
	waiting []chan *server
	proxy   *httputil.ReverseProxy
}

type serverKey struct{}

func (p *pool) take(ctx context.Context) *server {
	p.mutex.Lock()
	var best *server
	for _, s := range p.servers {
		if (p.slots == 0 || s.running < p.slots) && (best == nil || s.running < best.running) {
			best = s
		}
	}
	if best != nil && len(p.waiting) == 0 {
		best.running++
		p.mutex.Unlock()
		return best
	}
	turn := make(chan *server, 1)
	p.waiting = append(p.waiting, turn)
	p.mutex.Unlock()
	select {
	case s := <-turn:
		return s
	case <-ctx.Done():
		p.mutex.Lock()
		defer p.mutex.Unlock()
		for i, other := range p.waiting {
			if other == turn {
				p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
				return nil
			}
		}
		p.release(<-turn)
		return nil
	}
}

func (p *pool) give(s *server) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.release(s)
}

func (p *pool) release(s *server) {
	if len(p.waiting) > 0 {
		turn := p.waiting[0]
		p.waiting[0] = nil
		p.waiting = p.waiting[1:]
		turn <- s
		return
	}
	s.running--
}

func newPool(ports string, slots int) *pool {
	p := &pool{slots: slots}
	for _, port := range strings.Split(ports, ",") {
		target, err := url.Parse("http://127.0.0.1:" + port)
		if err != nil {
			panic(err)
		}
		p.servers = append(p.servers, &server{target: target})
	}
	p.proxy = &httputil.ReverseProxy{
		Director: func(r *http.Request) {
			target := r.Context().Value(serverKey{}).(*server).target
			r.URL.Scheme = target.Scheme
			r.URL.Host = target.Host
			var id [16]byte
			_, _ = rand.Read(id[:])
			r.Header.Set("X-Request-Id", hex.EncodeToString(id[:]))
		},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 1024, MaxIdleConns: 0, IdleConnTimeout: time.Hour, DisableCompression: true,
		},
		FlushInterval: -1,
	}
	return p
}

func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := p.take(r.Context())
	if s == nil {
		return
	}
	defer p.give(s)
	p.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), serverKey{}, s)))
}

func main() {
	slots, err := strconv.Atoi(os.Getenv("SLOTS"))
	if err != nil {
		panic(err)
	}
	keys := map[[32]byte]bool{sha256.Sum256([]byte(os.Getenv("API_KEY"))): true}
	routes := map[string]*pool{
		"plain":  newPool(os.Getenv("PLAIN_PORTS"), slots),
		"queued": newPool(os.Getenv("FULL_PORTS"), slots),
		"open":   newPool(os.Getenv("FULL_PORTS"), 0),
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !keys[sha256.Sum256([]byte(given))] {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		parts := strings.SplitN(r.URL.Path, "/", 3)
		p := routes[parts[1]]
		if p == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		p.ServeHTTP(w, r)
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}
