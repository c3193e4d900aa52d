# The same workflow from the project's root. An include restores this file's own default target, so it names one.
include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
    localrule: True
