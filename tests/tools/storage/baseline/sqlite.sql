CREATE TABLE runs (
    id INTEGER NOT NULL,
    name VARCHAR(200) NOT NULL,
    subject TEXT NOT NULL,
    subject_hash TEXT NOT NULL,
    config JSON NOT NULL,
    config_hash TEXT NOT NULL,
    created DATETIME NOT NULL,
    finished DATETIME,
    summary JSON,
    PRIMARY KEY (id),
    UNIQUE (name)
);
CREATE TABLE defined_sets (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    name VARCHAR(100) NOT NULL,
    spec JSON NOT NULL,
    description TEXT NOT NULL,
    created DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (run_id, name),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE hypotheses (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    feature INTEGER NOT NULL,
    spec_hash VARCHAR(64) NOT NULL,
    set_name TEXT NOT NULL,
    statistic VARCHAR(32) NOT NULL,
    "null" VARCHAR(32) NOT NULL,
    side VARCHAR(32) NOT NULL,
    effect DOUBLE,
    p_present DOUBLE,
    p_specific DOUBLE,
    q DOUBLE,
    holds BOOLEAN,
    PRIMARY KEY (id),
    UNIQUE (run_id, feature, spec_hash, statistic, "null", side),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE TABLE labels (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    batch_key VARCHAR(64),
    feature INTEGER NOT NULL,
    status VARCHAR(16) NOT NULL,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,
    claim VARCHAR(16) NOT NULL,
    hypotheses JSON NOT NULL,
    confidence DOUBLE,
    q DOUBLE,
    refute TEXT NOT NULL,
    evidence JSON NOT NULL,
    provenance JSON NOT NULL,
    created DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(run_id) REFERENCES runs (id),
    UNIQUE (batch_key),
    CHECK (status IN ('labelled', 'no_claim', 'failed')),
    CHECK (claim IN ('specific', 'present', 'none'))
);
CREATE INDEX ix_labels_run_id ON labels (run_id);
CREATE TABLE ledger (
    id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    feature INTEGER NOT NULL,
    library_hash VARCHAR(64) NOT NULL,
    n_tests INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (run_id, feature, library_hash),
    FOREIGN KEY(run_id) REFERENCES runs (id)
);
