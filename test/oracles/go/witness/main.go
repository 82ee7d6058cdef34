// A witness by other people (transparency-dev/witness) as a test engine: POST /add-checkpoint as C2SP tlog-witness has it.
// usage: witness -listen 127.0.0.1:PORT -dir DIR -name NAME -log VKEY [-log VKEY…]
// The key is made at first start and lies in DIR/key; DIR/vkey is its public form for cosignatures. What was witnessed lives in memory.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

type vkeys []string

func (v *vkeys) String() string     { return strings.Join(*v, " ") }
func (v *vkeys) Set(s string) error { *v = append(*v, s); return nil }

func main() {
	listen := flag.String("listen", "", "address and port")
	dir := flag.String("dir", "", "directory of the key")
	name := flag.String("name", "witness.example/test", "name of the key")
	var logs vkeys
	flag.Var(&logs, "log", "vkey of a log; its name is the origin")
	flag.Parse()

	signer := openKey(*dir, *name)
	known := map[string]note.Verifier{}
	for _, vkey := range logs {
		verifier, err := note.NewVerifier(vkey)
		must(err)
		known[verifier.Name()] = verifier
	}
	w, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			verifier, ok := known[origin]
			return verifier, ok, nil
		},
	})
	must(err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(w).AddCheckpoint)
	must(http.ListenAndServe(*listen, mux))
}

func openKey(dir, name string) note.Signer {
	keyFile := filepath.Join(dir, "key")
	key, err := os.ReadFile(keyFile)
	if os.IsNotExist(err) {
		skey, vkey, err := note.GenerateKey(rand.Reader, name)
		must(err)
		cosigner, err := f_note.VKeyToCosignatureV1(vkey)
		must(err)
		must(os.WriteFile(filepath.Join(dir, "vkey"), []byte(cosigner+"\n"), 0o600))
		must(os.WriteFile(keyFile, []byte(skey), 0o600))
		key = []byte(skey)
	} else {
		must(err)
	}
	signer, err := f_note.NewSignerForCosignatureV1(string(key))
	must(err)
	return signer
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
