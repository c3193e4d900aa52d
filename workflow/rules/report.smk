rule track:
    input:
        plan.records(),
    output:
        marker=f"{boards_folder}/tracked.json",
    log:
        f"{boards_folder}/track.log",
    benchmark:
        f"{boards_folder}/track.tsv"
    conda:
        "../../environment.yml"
    resources:
        benchmark_file=config["benchmark"],
        uri=uri,
        root=root,
    params:
        job=job("track"),
    shell:
        "python -m diptych track {resources.benchmark_file:q} --root {resources.root:q}"
        " --uri={resources.uri:q} --marker {output.marker:q} &> {log:q}"


rule aggregate:
    input:
        rules.track.output.marker,
    output:
        results=f"{boards_folder}/results.parquet",
        table=f"{boards_folder}/results.csv",
        cells=f"{boards_folder}/cells.parquet",
        ledger=f"{boards_folder}/ledger.json",
    log:
        f"{boards_folder}/aggregate.log",
    benchmark:
        f"{boards_folder}/aggregate.tsv"
    conda:
        "../../environment.yml"
    resources:
        benchmark_file=config["benchmark"],
        uri=uri,
        root=root,
    params:
        job=job("aggregate"),
    shell:
        "python -m diptych aggregate {resources.benchmark_file:q} --root {resources.root:q}"
        " --uri={resources.uri:q} &> {log:q}"


rule report:
    input:
        rules.aggregate.output,
    output:
        page=report(
            f"{boards_folder}/report.html",
            caption="../report/board.rst",
            category="Boards",
        ),
        table=report(
            f"{boards_folder}/leaderboard.csv",
            caption="../report/leaderboard.rst",
            category="Boards",
        ),
        feed=f"{boards_folder}/leaderboard.json",
        text=f"{boards_folder}/leaderboard.md",
        methods=directory(f"{boards_folder}/methods"),
        datasets=directory(f"{boards_folder}/datasets"),
        changelog=update(f"{boards_folder}/changelog.json"),
    log:
        f"{boards_folder}/report.log",
    benchmark:
        f"{boards_folder}/report.tsv"
    conda:
        "../../environment.yml"
    resources:
        benchmark_file=config["benchmark"],
        uri=uri,
        root=root,
    params:
        job=job("report"),
    shell:
        "python -m diptych report {resources.benchmark_file:q} --root {resources.root:q}"
        " --uri={resources.uri:q} &> {log:q}"


rule audit:
    input:
        rules.report.output.page,
    # The report is no output: one with errors must stay, and the files of a failed job are removed.
    output:
        marker=f"{boards_folder}/audited.json",
    log:
        f"{boards_folder}/audit.log",
    benchmark:
        f"{boards_folder}/audit.tsv"
    conda:
        "../../environment.yml"
    resources:
        benchmark_file=config["benchmark"],
        uri=uri,
        root=root,
    params:
        job=job("audit"),
    shell:
        "python -m diptych audit {resources.benchmark_file:q} --root {resources.root:q}"
        " --uri={resources.uri:q} --marker {output.marker:q} &> {log:q}"
