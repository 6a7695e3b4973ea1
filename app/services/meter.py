"""What /metrics tells."""

from prometheus_client import Counter, Gauge, Histogram

requests = Counter("mailkeep_ingest_requests", "Posts by Rspamd, by what came of them", ["result"])
request_seconds = Histogram(
    "mailkeep_ingest_seconds",
    "From the first byte we see to the answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2, 5),
)
commit_seconds = Histogram("mailkeep_commit_seconds", "One transaction", buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2, 10))
batch_rows = Histogram("mailkeep_batch_rows", "Mails in one transaction", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
rows = Counter("mailkeep_rows", "Mails written to the database", ["by"])
spool_mails = Gauge("mailkeep_spool_mails", "Mails in the spool that are not in the database yet", multiprocess_mode="livesum")
spool_failed = Counter("mailkeep_spool_failed", "Mails the database refuses for what is in them; kept in the spool's failed folder")
map_requests = Counter("mailkeep_map_requests", "Maps that were asked for, by the status of the answer", ["status"])
