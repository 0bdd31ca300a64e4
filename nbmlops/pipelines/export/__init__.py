"""Files by which other orchestrators start a frozen pipeline: Airflow, GitHub, Kubernetes, Argo, systemd, cron."""
