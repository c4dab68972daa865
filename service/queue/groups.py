"""Groups of jobs that share limits: those of one sweep, and of a project those that belong to no sweep.

A group whose limit is reached may hold thousands of jobs. Statements that look for the next job to run go from group
to group, along an index that begins with `project, coalesce(sweep_id, 0)`, and pass over such a group in one step.
Jobs of a sweep are in its project, so that limits lie within one another.
"""


def each_group(jobs: str) -> str:
    """The common table expressions of a statement `with recursive …` that end in `groups`: `project`, `sweep`.

    Args:
        jobs: Which rows of `jobs`, as the condition of a partial index that begins with the two columns. `sweep` is 0
            for jobs that belong to none.
    """
    first = f"select project, coalesce(sweep_id, 0) as sweep from jobs where {jobs}"  # noqa: S608 - constants only
    return f"""
        groups as (
            ({first} order by project, coalesce(sweep_id, 0) limit 1)
            union all
            select next.project, next.sweep from groups cross join lateral (
                {first} and (project, coalesce(sweep_id, 0)) > (groups.project, groups.sweep)
                order by project, coalesce(sweep_id, 0) limit 1
            ) next
        )
    """  # noqa: S608 - constants only
