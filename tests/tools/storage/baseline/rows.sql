INSERT INTO runs (name, subject, subject_hash, config, config_hash, created, summary)
VALUES ('first', 'pocket', 'hash', '{"power": 0}', 'abc', '2026-01-02 03:04:05.000000', '{"claims": 1}');
INSERT INTO labels (run_id, batch_key, feature, status, text, kind, claim, hypotheses, q, refute, evidence, provenance,
    created)
VALUES (1, '1:7', 7, 'labelled', 'promotes digits', 'prediction', 'specific', '[{"q": 0.01}]', 0.01, '', '["t"]', '{}',
    '2026-01-02 03:04:06.000000');
INSERT INTO labels (run_id, feature, status, text, kind, claim, hypotheses, refute, evidence, provenance, created)
VALUES (1, 8, 'failed', '', 'prediction', 'none', '[]', '', '[]', '{}', '2026-01-02 03:04:07.000000');
INSERT INTO ledger (run_id, feature, library_hash, n_tests) VALUES (1, 7, 'library', 500);
INSERT INTO hypotheses (run_id, feature, spec_hash, set_name, statistic, "null", side, q, holds)
VALUES (1, 7, 'spec', 'digits', 'mass', 'present', 'promoted', 0.01, TRUE);
INSERT INTO defined_sets (run_id, name, spec, description, created)
VALUES (1, 'mine', '{"words": ["one"]}', 'numbers', '2026-01-02 03:04:08.000000');
