// Judges what Affiant writes with code that is not ours: golang.org/x/mod (sumdb/note, sumdb/tlog) and transparency-dev (merkle, formats).
// One question as JSON a line on stdin, one verdict {"ok":…,"why":…} a line on stdout. Where both know the matter, both must accept.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// Question holds the fields of all questions; bytes are base64, as encoding/json has them.
type Question struct {
	Op    string `json:"op"`
	Vkey  string `json:"vkey"`
	Note  string `json:"note"`
	Dir   string `json:"dir"`
	Proof string `json:"proof"`
	Leaf  []byte `json:"leaf"`
	// Vkey of a witness, in its form for cosignatures.
	Witness string   `json:"witness"`
	First   int64    `json:"first"`
	Second  int64    `json:"second"`
	Index   int64    `json:"index"`
	Root1   []byte   `json:"root1"`
	Root2   []byte   `json:"root2"`
	Hashes  [][]byte `json:"hashes"`
	// Sizes between which the log in Dir is asked for consistency.
	Sizes []int64 `json:"sizes"`
}

type Verdict struct {
	OK  bool   `json:"ok"`
	Why string `json:"why"`
}

var judges = map[string]func(Question) error{
	"checkpoint":  judgeCheckpoint,
	"cosignature": judgeCosignature,
	"proof":       judgeProof,
	"inclusion":   judgeInclusion,
	"consistency": judgeConsistency,
	"tiles":       judgeTiles,
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var question Question
		if err := json.Unmarshal(in.Bytes(), &question); err != nil {
			fmt.Fprintln(os.Stderr, "not a question:", err)
			os.Exit(2)
		}
		judge, known := judges[question.Op]
		if !known {
			fmt.Fprintln(os.Stderr, "unknown question:", question.Op)
			os.Exit(2)
		}
		verdict := Verdict{OK: true}
		if err := judge(question); err != nil {
			verdict = Verdict{Why: err.Error()}
		}
		if err := out.Encode(verdict); err != nil {
			os.Exit(2)
		}
	}
	if in.Err() != nil {
		fmt.Fprintln(os.Stderr, in.Err())
		os.Exit(2)
	}
}
