rule pretrain:
    input:
        data=ancient(prepared("data.npz", "pretrain")),
        card=prepared("card.json", "pretrain"),
    output:
        encoder=f"{run}/encoder.safetensors",
        record=f"{run}/pretrain.json",
        history=f"{run}/history.parquet",
    log:
        f"{run}/pretrain.log",
    benchmark:
        f"{run}/pretrain.tsv"
    conda:
        "../../environment.yml"
    resources:
        runtime=limits.minutes,
        mem_mb=limits.memory_mb,
        device=device,
    params:
        job=job("pretrain"),
    shell:
        "python -m diptych pretrain {params.job:q} --data {input.data:q} --card {input.card:q}"
        " --encoder {output.encoder:q} --record {output.record:q} --history {output.history:q}"
        " --minutes {resources.runtime} --memory-mb {resources.mem_mb} --device {resources.device} &> {log:q}"


rule embed:
    input:
        data=ancient(prepared("data.npz")),
        card=prepared("card.json"),
        encoder=rules.pretrain.output.encoder,
        pretrain=rules.pretrain.output.record,
    output:
        embeddings=f"{run}/embeddings.npz",
        record=f"{run}/embed.json",
    log:
        f"{run}/embed.log",
    benchmark:
        f"{run}/embed.tsv"
    conda:
        "../../environment.yml"
    resources:
        runtime=limits.minutes,
        mem_mb=limits.memory_mb,
        device=device,
    params:
        job=job("embed"),
    shell:
        "python -m diptych embed {params.job:q} --data {input.data:q} --card {input.card:q}"
        " --encoder {input.encoder:q} --pretrain {input.pretrain:q}"
        " --embeddings {output.embeddings:q} --record {output.record:q}"
        " --minutes {resources.runtime} --memory-mb {resources.mem_mb} --device {resources.device} &> {log:q}"


rule probe:
    input:
        card=prepared("card.json"),
        embeddings=rules.embed.output.embeddings,
        embed=rules.embed.output.record,
    output:
        scores=f"{run}/probe-{{probe}}/scores.parquet",
        predictions=f"{run}/probe-{{probe}}/predictions.npz",
        record=f"{run}/probe-{{probe}}/probe.json",
    log:
        f"{run}/probe-{{probe}}/probe.log",
    benchmark:
        f"{run}/probe-{{probe}}/probe.tsv"
    conda:
        "../../environment.yml"
    resources:
        runtime=limits.minutes,
        mem_mb=limits.memory_mb,
    params:
        job=job("probe"),
    shell:
        "python -m diptych probe {params.job:q} --card {input.card:q}"
        " --embeddings {input.embeddings:q} --embed {input.embed:q}"
        " --scores {output.scores:q} --predictions {output.predictions:q} --record {output.record:q}"
        " --minutes {resources.runtime} --memory-mb {resources.mem_mb} &> {log:q}"


rule finetune:
    input:
        data=ancient(prepared("data.npz")),
        card=prepared("card.json"),
        encoder=rules.pretrain.output.encoder,
        pretrain=rules.pretrain.output.record,
        embed=rules.embed.output.record,
    output:
        scores=f"{run}/finetune/scores.parquet",
        predictions=f"{run}/finetune/predictions.npz",
        record=f"{run}/finetune/finetune.json",
    log:
        f"{run}/finetune/finetune.log",
    benchmark:
        f"{run}/finetune/finetune.tsv"
    conda:
        "../../environment.yml"
    resources:
        runtime=limits.minutes,
        mem_mb=limits.memory_mb,
        device=device,
    params:
        job=job("finetune"),
    shell:
        "python -m diptych finetune {params.job:q} --data {input.data:q} --card {input.card:q}"
        " --encoder {input.encoder:q} --pretrain {input.pretrain:q} --embed {input.embed:q}"
        " --scores {output.scores:q} --predictions {output.predictions:q} --record {output.record:q}"
        " --minutes {resources.runtime} --memory-mb {resources.mem_mb} --device {resources.device} &> {log:q}"


rule robustness:
    input:
        data=ancient(prepared("data.npz", "robustness")),
        card=prepared("card.json", "robustness"),
        encoder=rules.pretrain.output.encoder,
        pretrain=rules.pretrain.output.record,
        embed=rules.embed.output.record,
    output:
        scores=f"{run}/robustness-{{robustness}}/robustness.parquet",
        predictions=f"{run}/robustness-{{robustness}}/predictions.npz",
        record=f"{run}/robustness-{{robustness}}/robustness.json",
    log:
        f"{run}/robustness-{{robustness}}/robustness.log",
    benchmark:
        f"{run}/robustness-{{robustness}}/robustness.tsv"
    conda:
        "../../environment.yml"
    resources:
        runtime=limits.minutes,
        mem_mb=limits.memory_mb,
        device=device,
    params:
        job=job("robustness"),
    shell:
        "python -m diptych robustness {params.job:q} --data {input.data:q} --card {input.card:q}"
        " --encoder {input.encoder:q} --pretrain {input.pretrain:q} --embed {input.embed:q}"
        " --scores {output.scores:q} --predictions {output.predictions:q} --record {output.record:q}"
        " --minutes {resources.runtime} --memory-mb {resources.mem_mb} --device {resources.device} &> {log:q}"
