rule download:
    input:
        lambda wildcards: plan.own_files(wildcards.dataset),
    output:
        source=f"{root}/data/{{dataset}}/source.json",
    log:
        f"{root}/data/{{dataset}}/download.log",
    benchmark:
        f"{root}/data/{{dataset}}/download.tsv"
    retries: 1
    conda:
        "../../environment.yml"
    resources:
        mirror=plan.mirror,
    params:
        job=job("download"),
    shell:
        "DIPTYCH_MIRROR={resources.mirror:q} python -m diptych download {params.job:q} --source {output.source:q} &> {log:q}"


rule prepare:
    input:
        source=f"{root}/data/{{dataset}}/source.json",
    output:
        data=f"{root}/data/{{dataset}}/{{variant}}/data.npz",
        card=f"{root}/data/{{dataset}}/{{variant}}/card.json",
    log:
        f"{root}/data/{{dataset}}/{{variant}}/prepare.log",
    benchmark:
        f"{root}/data/{{dataset}}/{{variant}}/prepare.tsv"
    conda:
        "../../environment.yml"
    params:
        job=job("prepare"),
    shell:
        "python -m diptych prepare {params.job:q} --source {input.source:q}"
        " --data {output.data:q} --card {output.card:q} &> {log:q}"
