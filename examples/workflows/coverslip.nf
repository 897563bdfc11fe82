// Nextflow (DSL2), in the form of an nf-core module: images → labels, a table of cells, the versions.
//
//   nextflow run examples/workflows/coverslip.nf --images 'examples/nuclei/*.png' --model nuclei --out results/nextflow

params.images = 'examples/nuclei/*.png'
params.model = 'nuclei'
params.out = 'results/nextflow'

process COVERSLIP_SEGMENT {
    tag "${meta.id}"
    label 'process_medium'
    publishDir params.out, mode: 'copy'

    input:
    tuple val(meta), path(image)

    output:
    tuple val(meta), path("${prefix}/*_labels.tif"), emit: labels
    tuple val(meta), path("${prefix}/cells.csv"), emit: cells
    tuple val(meta), path("${prefix}/report.html"), emit: report
    tuple val(meta), path("${prefix}/methods.txt"), emit: methods
    path 'versions.yml', emit: versions

    script:
    prefix = task.ext.prefix ?: meta.id
    def args = task.ext.args ?: "--model ${params.model}"
    """
    export OMP_NUM_THREADS=${task.cpus}
    coverslip segment '${image}' -o '${prefix}' ${args} --json > '${prefix}.jsonl'

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        coverslip: \$(coverslip --version | cut -d ' ' -f 2)
    END_VERSIONS
    """
}

workflow {
    images = Channel.fromPath(params.images).map { file -> [[id: file.baseName], file] }
    COVERSLIP_SEGMENT(images)
    COVERSLIP_SEGMENT.out.cells
        .map { meta, cells -> cells }
        .collectFile(name: 'cells.csv', keepHeader: true, storeDir: params.out)
}
